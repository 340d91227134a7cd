def tell(session, fate, name):
    session.found("FILE_EMPTY")
    session.word(f"stage.{name}")
    session.word(f"figure.{name}")
    return f"calls_{fate}", "rating", "rated"
