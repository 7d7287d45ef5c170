"""The simulated Discord of the demo: a server with three people, on simcord's backend. All use of simcord is here.

simcord drives a bot that shares its event loop, on a clock of its own. This bot runs in another process, so only
simcord's state and its checks of what a person or a bot may do are used, behind a real HTTP API and gateway.
"""
