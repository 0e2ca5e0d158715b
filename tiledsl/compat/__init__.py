"""Programs written for TileLang, run unchanged: aliases, a runner, a survey."""
