"""A bundled newsroom to try the product without a network: invented outlets, their feeds, and a server for them.

`newsroom` reads the outlets, `feed_formats` writes their feeds, `origin` serves them on loopback, `prepare` writes the
`feeds.yaml` that polls them. All texts are invented.
"""
