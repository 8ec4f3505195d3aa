"""The two Django projects beside which Gatehouse is measured."""
