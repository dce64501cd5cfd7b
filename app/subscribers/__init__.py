"""Who may register and call: OpenSIPS's subscribers, without their secrets."""
