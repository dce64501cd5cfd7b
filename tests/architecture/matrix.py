"""Who may use which view: written down by hand, so that a slip in the code is seen.

Capital letters are operators of a tenant of their own, small ones those of the house:
a administrator, n network operations, b billing, s support, r reseller, o read only.
"""

PEOPLE = {
    "a": ("admin", 1),
    "n": ("noc", 1),
    "b": ("billing", 1),
    "s": ("support", 1),
    "o": ("readonly", 1),
    "A": ("admin", 2),
    "N": ("noc", 2),
    "B": ("billing", 2),
    "S": ("support", 2),
    "R": ("reseller", 2),
    "O": ("readonly", 2),
}
ALL = "".join(PEOPLE)
HOUSE = "anbso"
PUBLIC = "public"

MAY = {
    "assets.show": PUBLIC,
    "identity.login": PUBLIC,
    "identity.sign_in": PUBLIC,
    "identity.theme": PUBLIC,
    "identity.code": PUBLIC,
    "identity.enter_code": PUBLIC,
    "jobs.healthz": PUBLIC,
    "jobs.readyz": PUBLIC,
    # one's own
    "identity.account": ALL,
    "identity.logout": ALL,
    "identity.password": ALL,
    "identity.view": ALL,
    "safety.devices": ALL,
    "safety.end": ALL,
    "safety.end_others": ALL,
    "safety.factor": ALL,
    "safety.start": ALL,
    "safety.confirm": ALL,
    "safety.codes": ALL,
    "safety.off": ALL,
    "shell.keep_list": ALL,
    "shell.zones": ALL,
    # what every role looks at, each its own tenant's
    "jobs.home": ALL,
    "search.index": ALL,
    "search.suggest": ALL,
    "cdr.index": ALL,
    "cdr.show": ALL,
    "subscribers.index": ALL,
    "subscribers.show": ALL,
    "billing.index": ALL,
    "billing.show": ALL,
    # the house's calls
    "mediation.index": HOUSE,
    "mediation.open_calls": HOUSE,
    "mediation.show": HOUSE,
    "mediation.replay_one": "an",
    "mediation.replay_reason": "an",
    "mediation.replay_selected": "an",
    # the switch
    "routing.index": "anso",
    "routing.try_number": "anso",
    "routing.new": "an",
    "routing.edit": "an",
    "routing.delete": "an",
    "routing.switch_state": "an",
    "routing.bulk_delete": "an",
    "routing.bulk_disable": "an",
    "routing.bulk_enable": "an",
    "gateways.index": "anso",
    "gateways.show": "anso",
    "provisioning.index": "anso",
    "provisioning.show": "anso",
    "provisioning.progress": "anso",
    "provisioning.try_now": "an",
    "provisioning.undo_set": "an",
    # long work
    "jobs.index": HOUSE,
    "jobs.running": HOUSE,
    "jobs.show": HOUSE,
    "jobs.cancel": "an",
    # people
    "operators.index": "aAR",
    "operators.new": "aAR",
    "operators.edit": "aAR",
    "operators.password": "aAR",
    "operators.drop_factor": "aAR",
    "operators.end_sessions": "aAR",
    "tenants.index": "aAR",
    "tenants.new": "aAR",
    "tenants.edit": "aAR",
    "audit.index": "aoARO",
    "audit.show": "aoARO",
    # the pieces that screens are made of
    "design.index": "a",
    "design.bulk": "a",
    "design.confirm": "a",
    "design.drawer": "a",
    "design.say": "a",
}
