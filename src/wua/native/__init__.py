"""The agent of a Windows machine: it drives Microsoft's own update agent through the objects of wuapi.h.

The service behind them does the work and outlives its callers; what is added here are jobs, time-outs,
events, results that were checked against the system, and words for error codes.
"""
