"""A self-hosted feed aggregator and publisher of stories."""

__version__ = "0.1.0"
