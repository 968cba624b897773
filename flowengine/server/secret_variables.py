"""The variables with secrets of a server. Each may be set by a file, too: `NAME_FILE`."""

APPLICATION_KEY_VARIABLE, APPLICATION_SECRET_VARIABLE = (
    "SINCH_APPLICATION_KEY",
    "SINCH_APPLICATION_SECRET",
)
COOKIE_KEYS = "FLOWENGINE_COOKIE_KEYS"
STATUS_TOKEN = "FLOWENGINE_STATUS_TOKEN"  # noqa: S105  # the name of a variable
ADMIN_TOKEN = "FLOWENGINE_ADMIN_TOKEN"  # noqa: S105  # the name of a variable
# with their meaning, as the docs have it
SECRET_VARIABLES = {
    APPLICATION_KEY_VARIABLE: "The application whose callbacks the server answers, with its secret; set both or neither.",
    APPLICATION_SECRET_VARIABLE: "The secret of that application.",
    COOKIE_KEYS: "Keys of the cookie, separated by commas; see [keys](serve.md#keys-and-their-rotation).",
    STATUS_TOKEN: "The token for reading `/status` and `/metrics`; see [health](health-and-metrics.md#health).",
    ADMIN_TOKEN: "The token for changes over HTTP; see [admin](releases.md#admin-over-http).",
}
