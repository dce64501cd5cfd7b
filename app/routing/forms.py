"""Forms of the dialplan: a rule, a confirmation, a try."""

from __future__ import annotations

from app.provisioning.forms import ChangeForm, form_for
from app.provisioning.tools.dialplan import DIALPLAN

RuleForm = form_for(DIALPLAN)


class ConfirmForm(ChangeForm):
    """Deleting, disabling or enabling one rule: only why."""
