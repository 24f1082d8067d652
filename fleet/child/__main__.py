"""``python -m fleet.child``: one order in, one answer out; started by ``fleet.child.process`` alone."""

import sys

from fleet.child.work import answer, bound

if __name__ == "__main__":
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # so that nothing printed mixes with the answer
    bound()
    answer(sys.stdin.buffer, answers)
