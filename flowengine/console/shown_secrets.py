"""The environment that flows are compiled with to be shown: nobody who looks at them needs their
secrets.
"""

from collections.abc import Iterator, Mapping

from flowengine.compile.shared_definitions import is_variable_name


class ShownSecrets(Mapping[str, str]):
    """An environment in which every variable is set to its name, such as `<CRM_TOKEN>`. What is no
    name may be the secret itself.
    """

    def __getitem__(self, name: str) -> str:
        return f"<{name}>" if is_variable_name(name) else "<secret>"

    def __contains__(self, _name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0
