"""Streamlit's own options, as this demo sets them; the command line and `STREAMLIT_…` go before them.

What each one means is in `streamlit config show`. Where Streamlit's default is kept nothing stands here:
`server.address` is not set, so that the page listens on every address of the machine.
"""

from collections.abc import Mapping
from types import MappingProxyType

_SERVER = {
    "server.port": 8090,
    "server.headless": True,  # opens no browser, asks for no e-mail address
    "server.fileWatcherType": "none",  # an installed package does not change
    "server.runOnSave": False,
    "server.maxUploadSize": 10,  # megabytes a picture
    "server.maxMessageSize": 50,
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,  # true is the protection, not the permission
    "server.disconnectedSessionTTL": 30,  # seconds until a visitor's pictures may be forgotten
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",  # tracebacks are for the log
    "client.showErrorLinks": False,
    "client.toolbarMode": "viewer",
    "runner.magicEnabled": False,
}

_SHAPE = {
    "theme.baseRadius": "large",
    "theme.paddingTop": "1.5rem",
    "theme.showWidgetBorder": True,
}

# Baked brown on cream, and the other way round at night.
_COLOURS = {
    "light": {
        "primaryColor": "#a34a1f",
        "backgroundColor": "#fffaf3",
        "secondaryBackgroundColor": "#f6ead9",
        "textColor": "#33231a",
        "borderColor": "#e4d2bb",
    },
    "dark": {
        "primaryColor": "#b85a26",
        "backgroundColor": "#1d1613",
        "secondaryBackgroundColor": "#2d221d",
        "textColor": "#f6ebe0",
        "borderColor": "#4a3a31",
    },
}


def config_with(chosen: Mapping[str, object]) -> dict[str, object]:
    """The demo's options, with what was chosen in their place.

    The page is light or dark as the visitor's system is. A chosen `theme.base` of `light` or `dark` makes it
    so for everybody; any other is a theme of somebody's own, and nothing of ours is mixed into it.
    """
    return {**_SERVER, **_theme(chosen.get("theme.base")), **chosen}


def _theme(base: object) -> Mapping[str, object]:
    match base:
        case None:
            return {**_SHAPE, **_coloured("theme.light", "light"), **_coloured("theme.dark", "dark")}
        case "light" | "dark":
            return {**_SHAPE, **_coloured("theme", base)}
        case _:
            return {}


def _coloured(section: str, half: str) -> dict[str, str]:
    return {f"{section}.{name}": colour for name, colour in _COLOURS[half].items()}


DEFAULTS = MappingProxyType(config_with({}))
