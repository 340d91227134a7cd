from billing.core.findings import Finding, refuse

LATE = "CALL_TOO_LATE"
known = "TRIAL_MONTH"
heading = "stage.charging"


def read(renderer, session, name, values):
    yield Finding("FILE_GONE" if name else "FILE_EMPTY", "critical", name, {"line": 1})
    yield Finding("FILE_EMPTY", "critical", name, {"file": name})
    yield Finding("FILE_EMPTY", "critical", name, values)
    raise refuse("FILE_EMPTY", name)


def tell(renderer, session, name):
    session.say("summary.done", count=1)
    session.say("summary.done")
    session.say("sumary.done")
    session.word(f"status.{name}")
    session.word(f"stage.{name}")
    renderer.render("invoice")
    return name.startswith("FILE_")
