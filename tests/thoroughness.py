"""How many inputs the properties try: a quarter by default, so that the whole suite stays quick; all
of them with THOROUGH=1, as before a release.
"""

import os

THOROUGH = os.environ.get("THOROUGH") == "1"


def examples(count: int) -> int:
    return count if THOROUGH else max(count // 4, 10)
