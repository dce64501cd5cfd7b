"""The screens of accounts: balances and what moved them."""
