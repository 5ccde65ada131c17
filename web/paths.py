"""Where the files lie that are served as they are."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDGET = ROOT / "widget"
STATIC = ROOT / "web" / "static"
DEMO_KNOWLEDGE = ROOT / "web" / "demo" / "knowledge"
DEMO_SHOP = ROOT / "web" / "demo" / "shop.toml"
MIGRATIONS = ROOT / "migrations"
