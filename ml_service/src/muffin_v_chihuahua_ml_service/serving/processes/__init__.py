"""Processes that listen: one alone, or several behind one port; how they start, and how they end."""
