"""The lab of scripts/bench: network namespaces, devices between them, traffic, and what it measured.

| module | what it is |
|---|---|
| `processes` | children that end with the script, on a core, inside a namespace |
| `network` | namespaces, links and addresses of the two hosts |
| `peers` | what stands between the hosts: causeway and the others, a module for each kind |
| `traffic` | one measurement of one device |
| `plan` | which device takes part in which test, and the ratios that are asked for |
| `run` | all devices, round by round |
| `figures` | medians, spreads and ratios of what was measured |
| `report` | the same as text and as JSON |
| `profile` | where a packet's time goes |
"""
