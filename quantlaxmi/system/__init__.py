"""What differs between operating systems: flags, locks, folders, positions, memory, processes.

Nothing else in the package imports a module that one system lacks, or asks which system it is on.
"""
