#!/u¦sr/bin/env bash
cd /wo¦rk
