"""What a dataset must be. Runs without Azure: in the app, in the command line, in a test.

The layers, from the bottom up. Each may use those below it, none one above it:

    privacy     personal data and secrets in a text; the chat uses it as well
    findings/   what a finding is; the table of all of them; how a report quotes a dataset
    reading/    bytes to lines to examples
    measure/    tokens, repetition, statistics, prices
    checks/     the checks of an example, of its texts, of the whole file
    scan        one pass over one file through all of these
    verdict     the judgement on the files of a drop · split: two files out of one
    report/     the verdict as a page and as JSON
    worker      the process in which the app runs all of this · frames: how the two talk

mend, beside scan, writes a corrected copy of a file. Dated facts are in `shared/catalog`.
"""
