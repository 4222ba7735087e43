"""The pure centre of gelombang: scenario, plan, people, attempts, ledger, summary, record.

No socket, event loop, thread or framework lives here: the same code serves live and simulated runs. Reading order: `scale`,
`scenario`, `arrivals`, `journey`, `attempt`, `ledger`, `record`.
"""
