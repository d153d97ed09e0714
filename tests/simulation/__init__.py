"""
The fault rows of the contract, simulated: real runners and policies, in virtual time.
"""
