"""What keeps a callback URL from working, each with a cure."""

from types import MappingProxyType
from typing import Final, NamedTuple

from flowengine.problems.message_format import abbreviate, in_cure

MAX_SHOWN_CHARACTERS: Final = 300


class ProbeFault(NamedTuple):
    """A message and a cure, with names in braces for what is known of the case."""

    message: str
    cure: str


PROBE_FAULTS: Final = MappingProxyType({
    "plain_http": ProbeFault(
        "{url} is plain http: everybody on the way could read what callers say and press",
        "give the server an https address, by a proxy or a tunnel",
    ),
    "not_a_url": ProbeFault(
        "{url} is no address of a callback",
        "give a URL such as https://voice.example.com/sinch, without a user and password and without #",
    ),
    "private_address": ProbeFault(
        "{host} is in no network that the platform reaches",
        "give the address that the internet has for the proxy or the tunnel",
    ),
    "unknown_host": ProbeFault(
        "no name server knows {host}",
        "check how it is spelled; a name that is new may take an hour to be known",
    ),
    "no_connection": ProbeFault(
        "{host} takes no connection at port {port}",
        "start the proxy or the tunnel, and open the port in the firewall",
    ),
    "timeout": ProbeFault(
        "{host} does not answer within {seconds:g} seconds",
        "open the port in the firewall, and see that the proxy reaches the server",
    ),
    "certificate": ProbeFault(
        "the certificate of {host} is not valid: {reason}",
        "let the proxy send a certificate for this name that is not expired, with its whole chain, "
        "from an authority that everybody knows",
    ),
    "tls": ProbeFault(
        "{host} does not speak TLS at port {port}: {reason}",
        "let the proxy end TLS at this port",
    ),
    "broken_answer": ProbeFault(
        "{host} closes the connection without an answer",
        "read the log of the proxy; it must pass requests on by HTTP",
    ),
    "redirect": ProbeFault(
        "{url} redirects ({status}) to {location}: the platform signs the path of the URL that it has",
        "go live with the address that it redirects to, or redirect no callbacks",
    ),
    "not_found": ProbeFault(
        "nothing takes callbacks at {path} ({status})",
        "pass {path} on in the proxy, and start the server with --callback-path {path}",
    ),
    "bad_gateway": ProbeFault(
        "the proxy at {host} reaches no server ({status})",
        "start flowengine serve, and let the proxy pass requests on to its host and port",
    ),
    "proxy_password": ProbeFault(
        "something before the server asks for a password ({status})",
        "let the proxy pass {path} on without a password: the server verifies signatures itself",
    ),
    "forbidden": ProbeFault(
        "something before the server forbids the request ({status})",
        "let the proxy and the firewall pass POST requests to {path} from everywhere",
    ),
    "headers": ProbeFault(
        "the server does not see the headers of the signature: {told}",
        "let the proxy pass Authorization, Content-Type and X-Timestamp on as they are",
    ),
    "no_credentials": ProbeFault(
        "the server has no credentials, so it takes no callback from a proxy",
        "set SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET for the server, and restart it",
    ),
    "other_application": ProbeFault(
        "the server answers for other applications, and not for {application}",
        "restart the server with SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET of this "
        "application, or add it to applications: in project.yaml",
    ),
    "clock": ProbeFault(
        "the clock of the server is wrong: it is {skew} this machine's",
        "synchronise it, such as with timedatectl set-ntp true",
    ),
    "path_changed": ProbeFault(
        "a proxy changes the path: the server sees {seen}, and the platform signs {path}",
        "let the proxy keep the path (in nginx: proxy_pass without a path at its end), and start "
        "the server with --callback-path {path}",
    ),
    "secret": ProbeFault(
        "the server has another secret for {application}",
        "set SINCH_APPLICATION_SECRET for the server to that of this command, which the platform "
        "accepts, and restart it; if it is the same, a proxy changes the body or its Content-Type",
    ),
    "body": ProbeFault(
        "the server cannot use the test callback ({status}): {told}",
        "let the proxy pass bodies on as they are",
    ),
    "not_flowengine": ProbeFault(
        "something else than flowengine serve answers at {url} ({status})",
        "let the proxy pass {path} on to flowengine serve, of the version of this command",
    ),
    "stale_answer": ProbeFault(
        "the answer at {url} belongs to another request",
        "let the proxy keep no answers",
    ),
    "other_server": ProbeFault(
        "{url} leads to another server: on {machine}, with release {release}",
        "lead the proxy or the tunnel to the server at {local}, or name yours with --server",
    ),
    "unexpected": ProbeFault(
        "{host} answers {status}",
        "read the logs of the proxy and of the server",
    ),
})  # fmt: skip


class ProbeError(Exception):
    """A callback URL does not work. `kind` is a key of PROBE_FAULTS."""

    def __init__(self, kind: str, **known: object) -> None:
        fault = PROBE_FAULTS[kind]
        # part of it is from the other side, which must not steer a terminal
        known = {
            name: abbreviate(in_cure(value), MAX_SHOWN_CHARACTERS)
            if isinstance(value, str)
            else value
            for name, value in known.items()
        }
        self.kind = kind
        self.message = fault.message.format_map(known)
        self.cure = fault.cure.format_map(known)
        super().__init__(self.message)
