"""The subcommands of ``tiledsl``, one a file; they present what other parts compute."""
