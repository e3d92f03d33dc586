"""Execution of orders: costs, impact, latency, risk limits and the ledger."""
