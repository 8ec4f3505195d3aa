"""`python -m bench.people_fill NUMBER SEED`: adds people to DATABASE_URL, in a process whose memory nobody measures."""

import sys

import bench.own_process  # noqa: F401  (sets Django up, before what follows)
from bench.crowd import fill

if __name__ == "__main__":
    fill(int(sys.argv[1]), seed=int(sys.argv[2]))
