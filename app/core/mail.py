"""Mail: one text to one address by the server in the settings, with limits on everything."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import threading
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from app.core.errors import CompanionError, Conflict, InvalidInput
from app.core.settings import MailSetting
from app.core.words import _

# Of each step of the talk, and of the whole of it.
STEP_S = 5.0
TOTAL_S = 15.0
# One address and nothing else: no list, no name, no line break, no quoting.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class MailError(CompanionError):
    """The mail could not be handed over; whether the server has it is known only without this."""

    code = "mail"
    status = 502


def send(
    setting: MailSetting,
    *,
    to: str,
    subject: str,
    text: str,
    trust: ssl.SSLContext | None = None,
) -> None:
    """Hands a mail to the server; raises InvalidInput, MailError, and
    Conflict while no server is set.

    ``trust`` knows the authorities, by default those of the system.
    """
    message = compose(setting, to=to, subject=subject, text=text)
    if not setting.host:
        raise Conflict(
            _("No mail server is set."), _("Name it in PANEL_SMTP_HOST and start again.")
        )
    context = trust or ssl.create_default_context()
    try:
        _hand_over(setting, message, context)
    except ssl.SSLCertVerificationError as error:
        raise MailError(
            _("The certificate of %(host)s is not trusted.", host=setting.host),
            _("It must be of a known authority and name this host."),
        ) from error
    except smtplib.SMTPAuthenticationError as error:
        raise MailError(
            _("%(host)s refused the user or password.", host=setting.host),
            _("See PANEL_SMTP_USER and PANEL_SMTP_PASSWORD."),
        ) from error
    except smtplib.SMTPNotSupportedError as error:
        raise MailError(
            _("%(host)s does not offer what the settings ask for.", host=setting.host),
            _("See PANEL_SMTP_TLS: STARTTLS, and a login, must be offered to be used."),
        ) from error
    except smtplib.SMTPRecipientsRefused as error:
        raise MailError(
            _("%(host)s does not take mail for this address.", host=setting.host),
            _("See whether it is written well, and whether the server may send there."),
        ) from error
    except TimeoutError as error:
        raise MailError(
            _("%(host)s did not answer in time.", host=setting.host),
            _("See PANEL_SMTP_HOST and PANEL_SMTP_PORT, and whether a firewall is between."),
        ) from error
    except (smtplib.SMTPException, OSError) as error:
        raise MailError(
            _("%(host)s did not take the mail: %(cause)s.", host=setting.host, cause=_cause(error)),
            _("See the mail server's log."),
        ) from error


def compose(setting: MailSetting, *, to: str, subject: str, text: str) -> EmailMessage:
    """The message; raises InvalidInput for what is no address, or would be more than a header."""
    if not _ADDRESS.fullmatch(to):
        raise InvalidInput(
            _("This is no mail address."), _("Write one, such as ann@example.org."), "to"
        )
    if _CONTROL.search(subject):
        raise InvalidInput(_("A subject is one line."), _("Leave the line breaks out."), "subject")
    message = EmailMessage()
    message["From"] = setting.sender
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=_domain(setting))
    # Holiday notes do not answer this (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message


def _hand_over(setting: MailSetting, message: EmailMessage, context: ssl.SSLContext) -> None:
    name = _domain(setting)
    server: smtplib.SMTP = (
        smtplib.SMTP_SSL(local_hostname=name, timeout=STEP_S, context=context)
        if setting.tls == "tls"
        else smtplib.SMTP(local_hostname=name, timeout=STEP_S)
    )
    # The certificate is checked against the host that the object is made with; made with one, it
    # would connect at once, before the watch below.
    server._host = setting.host  # type: ignore[attr-defined]
    passed = threading.Event()

    def cut() -> None:
        """Each step may be in time and the whole never end."""
        passed.set()
        try:
            if server.sock is not None:
                server.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it has ended by itself

    watch = threading.Timer(TOTAL_S, cut)
    watch.daemon = True
    watch.start()
    try:
        code, said = server.connect(setting.host, setting.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        if setting.tls == "starttls":
            server.starttls(context=context)
        if setting.user:
            server.login(setting.user, setting.password)
        server.send_message(message)
        _leave(server)
    except (smtplib.SMTPException, OSError) as error:
        # smtplib makes "the connection was closed" of a step that took too long.
        if passed.is_set() or isinstance(error.__context__, TimeoutError):
            raise TimeoutError from error
        raise
    finally:
        watch.cancel()
        server.close()


def _leave(server: smtplib.SMTP) -> None:
    try:
        server.quit()
    except (smtplib.SMTPException, OSError):
        return  # the mail is handed over; how it says goodbye is its own affair


def _domain(setting: MailSetting) -> str:
    return setting.sender.rpartition("@")[2].strip("> ") or "localhost"


def _cause(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return f"{error.smtp_code} {' '.join(text.split())}".rstrip(".")[:200]
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:200]
