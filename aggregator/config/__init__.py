"""`feeds.yaml`: read, checked with every error at its place, and made into `Settings`; also OPML, diffs and edits.

`load.load` is the way in; the other modules are its steps: `source` (bytes to text), `tree` (text to nodes with places),
`scalars` (what YAML makes of a plain word), `schema` and `values` (what may be said), `explain` (why it may not),
`checks` (what several keys say together), `build` (the resolved `Settings`).
"""
