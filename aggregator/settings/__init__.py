"""The settings: values that config/ makes from `feeds.yaml`, resolved and checked, for all other parts.

Durations in seconds, sizes in bytes. Names are those of the file (docs/config.md).
"""

from aggregator.settings.hooks import SUMMARY, TAGS, TITLE, Hook
from aggregator.settings.outputs import OUTLETS, WEIGHT, Channel, Output, Rate, threshold_key
from aggregator.settings.rules import Dedup, Expectation, Outlet, Tagging, TagRule, Threads, Topic
from aggregator.settings.service import (
    OBJECT_STORES,
    PUBLIC,
    SERVERS,
    Assistants,
    Backup,
    HostRule,
    Network,
    Polling,
    Publishing,
    Server,
    Site,
    Storage,
    is_in_object_store,
    is_on_server,
    own_address,
)
from aggregator.settings.settings import Settings, configured_channels, numbered_channels
from aggregator.text.times import DAY

__all__ = [
    "DAY",
    "OBJECT_STORES",
    "OUTLETS",
    "PUBLIC",
    "SERVERS",
    "SUMMARY",
    "TAGS",
    "TITLE",
    "WEIGHT",
    "Assistants",
    "Backup",
    "Channel",
    "Dedup",
    "Expectation",
    "Hook",
    "HostRule",
    "Network",
    "Outlet",
    "Output",
    "Polling",
    "Publishing",
    "Rate",
    "Server",
    "Settings",
    "Site",
    "Storage",
    "TagRule",
    "Tagging",
    "Threads",
    "Topic",
    "configured_channels",
    "is_in_object_store",
    "is_on_server",
    "numbered_channels",
    "own_address",
    "threshold_key",
]
