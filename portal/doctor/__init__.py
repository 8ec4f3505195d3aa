"""What `manage.py doctor` looks at: a live installation from its settings to its address, one line each.

Nothing is changed by it. What cannot be looked at is *unknown* or *not tested*, and never ok.
"""
