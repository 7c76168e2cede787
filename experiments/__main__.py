"""What `./lab` starts: the command line, and a quiet end if Ctrl-C comes while it is still being imported."""

import sys

if __name__ == "__main__":  # a spawned worker imports this module under another name, and must not start over
    try:
        from experiments.cli import main

        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
