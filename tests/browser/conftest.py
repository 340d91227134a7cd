"""A real browser for the pages: the system's Chromium, driven headless. Without one the tests are told as not run."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.commands.demo_books import demos  # noqa: F401
from tests.commands.shop_fixtures import closed, drafted, ingested, stocked  # noqa: F401

Opener = Callable[..., Page]


@pytest.fixture(autouse=True)
def _without_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("not run: no chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def opened(browser) -> Iterator[Opener]:
    """Opens a page of a folder; afterwards nothing was asked of a network, and nothing was complained about."""
    contexts, asked, complaints = [], [], []

    def open_page(path: Path, *, width: int = 1280, theme: str = "light") -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, locale="zh-CN")
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert asked, "a test of a page opens one"
    assert [url for url in asked if not url.startswith("file:///") or not url.endswith((".html", ".xlsx"))] == []
    assert complaints == []
