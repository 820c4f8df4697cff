"""What is known of the service, with its date: `facts` is the data, `lookup` answers from it.

Uses nothing else of the project.
"""
