"""A bundled newsroom for trying the product without a network: outlets that do not exist, their feeds, a server for them.

`newsroom` reads the outlets, `documents` writes their feeds, `origin` serves them on loopback, `config` writes the
`feeds.yaml` that polls them. All texts are invented for this purpose.
"""
