"""Thread code: kernels that ask for the index of a thread (rules L77 to L83).

A kernel that does is traced as any other; its statements are those of one thread.
``lowering`` then rewrites the launch: what lies between two exchanges among threads
becomes a ``Parallel`` over the threads, what is private to a thread but outlives such a
region becomes a tile with the threads as its last axes.  No backend knows of threads.
"""
