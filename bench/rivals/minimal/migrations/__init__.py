"""How the minimal rival's tables come about."""
