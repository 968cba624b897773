"""Other documents, and the requests to the servers that write them."""

from typing import Any

from flowengine.importers.flow_parts import DONE, build_stub_flow
from flowengine.importers.project_draft import ServiceDraft
from flowengine.importers.service_address import name_host, split_address
from flowengine.importers.templates import escape_words
from flowengine.importers.voicexml.document_import import DocumentLink, ElementImport, strip_scope


def write_document_use(origin: ElementImport, address: str, after: str, prefix: str) -> str:
    """Another document that comes back is a subflow; one that is not imported is a stub for the
    author.
    """
    return write_document_link(origin, address, prefix, after=after)


def write_document_change(origin: ElementImport, address: str, prefix: str) -> str:
    """The call goes on in another document. Where what follows may go back to a document that has
    used this one, the other document is a subflow that comes back here at its end.
    """
    document = origin.document
    known = document.project.find_document(address)
    is_for_good = not document.returns and not (known and known.returns)
    after = "" if is_for_good else document.get_end_state()
    return write_document_link(origin, address, prefix, after=after)


def write_document_link(origin: ElementImport, address: str, prefix: str, *, after: str) -> str:
    """The state that leads to another document: for good where nothing is `after` it."""
    document = origin.document
    project = document.project
    known = project.find_document(address)
    if known is document:
        return document.draft.start
    comes_back = bool(after)
    target = (
        known.draft.name if known else add_document_stub(origin, address, comes_back=comes_back)
    )
    name = document.make_state_name(f"{prefix}_{target}")
    body = (
        {"subflow": {"flow": target, "outcomes": {DONE: after}}}
        if comes_back
        else {"next_flow": target}
    )
    document.add_state(name, body, origin)
    if not known and not comes_back:
        document.draft.leads_to.append(target)
    if known:
        if "#" in address:
            origin.note_change("the other document begins at its first dialog")
        project.links.append(DocumentLink(origin, name, target, is_for_good=not comes_back))
    return name


def add_document_stub(origin: ElementImport, address: str, *, comes_back: bool) -> str:
    project = origin.document.project
    path = address.split("?", maxsplit=1)[0].split("#", maxsplit=1)[0]
    stem = path.rstrip("/").rsplit("/", 1)[-1].rpartition(".")
    wanted = stem[0] or stem[2] or "document"
    name = project.flow_names.get_name(f"\n{comes_back}\n{path}", wanted, "document")
    if name not in project.draft.flows:
        description = f"the document {address[:160]}"
        project.draft.flows[name] = build_stub_flow(name, description, is_subflow=comes_back)
        project.draft.report.add_stub_flow(name)
    origin.add_remark(f"fill in the flow {name}, which was not among the files")
    if "?" in address or not path.endswith((".vxml", ".xml")):
        origin.note_change("a server writes that document for each call")
    return name


def declare_document_service(
    origin: ElementImport, address: str, description: str
) -> tuple[str, str]:
    """The service at an address, and the path there."""
    project = origin.document.project
    source, host, path = split_address(address)
    if not source:
        origin.add_remark("fill in the address of the service")
    wanted = name_host(host) or "pages"
    service = project.service_names.get_name(source or "\npages", wanted, "pages")
    draft = (
        ServiceDraft(description, source) if source else ServiceDraft("the server of the documents")
    )
    project.draft.services.setdefault(service, draft)
    return service, escape_words(path)


def build_request(origin: ElementImport, address: str) -> dict[str, Any]:
    """A request with the variables of a namelist."""
    document, element = origin.document, origin.element
    if not address:
        origin.note_change("the address is a value there: fill it in")
    service, path = declare_document_service(origin, address, "the server of the documents")
    names = [
        each
        for each in map(strip_scope, element.get("namelist").split()[:50])
        if each in document.known_names
    ]
    values = {each.replace(".", "_"): f"${{vars.{document.get_variable(each)}}}" for each in names}
    if element.get("method").lower() == "post":
        return {"service": service, "post": path} | ({"body": values} if values else {})
    query = "&".join(f"{name}={value}" for name, value in values.items())
    sign = "&" if "?" in path else "?"
    return {"service": service, "get": f"{path}{sign}{query}" if query else path}
