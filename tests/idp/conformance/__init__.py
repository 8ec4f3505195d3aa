"""What a relying party must refuse and survive, one test for each row, each through a whole sign-in over HTTP.

Names in angle brackets (`oidcc-client-test-…`) are those of the OpenID Foundation's conformance suite.
"""
