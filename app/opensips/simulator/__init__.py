"""The demo switch: behaves to the panel as OpenSIPS 3.6 does, and is only started for the demo.

It writes OpenSIPS's tables and answers its MI; it knows nothing of tariffs, CDRs or ledgers.
"""
