"""The statement resource over the log: which statements a query means, and what is known of activities.

Everything here but the log itself is derived from it and can be thrown away: the index is made
anew from the log when it is missing, damaged, of another schema or of another log.
"""
