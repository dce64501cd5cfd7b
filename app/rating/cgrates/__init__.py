"""Tariff plans and accounts in the form of CGRateS, as values of this room."""
