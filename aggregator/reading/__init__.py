"""Everything that others wrote is read here, in processes that can be killed: documents, and pages that may offer feeds.

job: what goes to a worker and what comes back; answer: the work itself, pure; worker: the process; pool: those that run, whose
turn it is, and what a deadline, a crash or too much memory costs: its own document.
"""
