"""What an order meets: costs, impact, latency, risk limits and the ledger."""
