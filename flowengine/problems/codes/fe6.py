"""FE6xx: the configuration of the switch."""

from typing import Final

from flowengine.problems.catalogue_entry import CatalogueEntry, Severity

EXAMPLE_APPLICATION: Final = (
    "applications:\n  - {key: acme-support, secret: BeIukql3pTKJ8RGL5zo0DA==}\n"
)
ENTRIES: Final[tuple[CatalogueEntry, ...]] = (
    CatalogueEntry(
        "FE601",
        "an application that is not there",
        Severity.ERROR,
        "A number or an app user of the switch names an application by its key. The configuration "
        "has no application of that key.",
        EXAMPLE_APPLICATION + 'numbers:\n  - {number: "+14045001000", application: acme-sales}\n',
        EXAMPLE_APPLICATION + 'numbers:\n  - {number: "+14045001000", application: acme-support}\n',
    ),
    CatalogueEntry(
        "FE602",
        "one thing twice in the switch",
        Severity.ERROR,
        "Two applications have the same key, or a number or an app user is listed twice, so that "
        "nobody can say which of them counts.",
        EXAMPLE_APPLICATION
        + 'numbers:\n  - {number: "+14045001000"}\n  - {number: "+14045001000", capability: sms}\n',
        EXAMPLE_APPLICATION
        + 'numbers:\n  - {number: "+14045001000"}\n  - {number: "+14045002000", capability: sms}\n',
    ),
    CatalogueEntry(
        "FE603",
        "an application of the switch without its secret",
        Severity.ERROR,
        "Callbacks are signed with the application's secret, which is base64. It stands in the "
        "file as secret:, or in the environment "
        "variable that secret_from: names.",
        "applications:\n  - {key: acme-support}\n",
        EXAMPLE_APPLICATION,
    ),
    CatalogueEntry(
        "FE604",
        "an act that no party can do",
        Severity.ERROR,
        "A party presses keys of a telephone, says words, waits or hangs up, and only once it has "
        "answered. What it waits for is the word "
        "asked, or a regular expression.",
        "parties:\n  anna: {acts: [{do: press, value: one}]}\n",
        'parties:\n  anna: {acts: [{do: press, value: "1"}]}\n',
    ),
)
