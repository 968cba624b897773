"""How many inputs the properties try: a quarter by default, so that the whole suite stays quick, and
the same ones in each run; all of them with THOROUGH=1, new ones in each run, as before a release.
"""

import os

THOROUGH = os.environ.get("THOROUGH") == "1"


def examples(count: int) -> int:
    return count if THOROUGH else max(count // 4, 10)
