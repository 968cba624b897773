"""The forms of addresses and keys that the platform takes; states and the check of what is sent
share them.
"""

import re
from typing import Final

NUMBER_PATTERN: Final = re.compile(r"\+[0-9]{6,16}")
DTMF_PATTERN: Final = re.compile(r"[0-9#w]*")
SIP_PATTERN: Final = re.compile(r"[^\s@:;<>]+@[^\s@:;<>/]+(:[0-9]{1,5})?")
WEBSOCKET_PATTERN: Final = re.compile(r"wss://[^\s/]+\S*")
RECORDING_URL_PATTERN: Final = re.compile(r"(s3|azure)://[^/\s]+\S*")
