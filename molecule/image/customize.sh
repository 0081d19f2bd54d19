#!/bin/sh
# Runs as root inside the new image, after its packages are installed: makes it fit to be a machine in a container.
set -eu

# What a container must not or need not do: consoles, seats, clocks, and timers that would work in the middle of a test.
for unit in console-getty.service getty@tty1.service getty.target systemd-logind.service systemd-timesyncd.service \
    systemd-udevd.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer \
    e2scrub_reap.service logrotate.timer man-db.timer; do
    ln -sf /dev/null "/etc/systemd/system/$unit"
done

# A machine gets its identity when it starts for the first time.
: > /etc/machine-id

# Nested user namespaces are not to be had without a privileged container (redis-server: 217/USER).
mkdir -p /etc/systemd/system/redis-server.service.d
printf '[Service]\nPrivateUsers=no\n' > /etc/systemd/system/redis-server.service.d/container.conf

# With checksums, as a new cluster should have them; Debian's packages make one without.
major=$(ls /usr/lib/postgresql)
pg_dropcluster "$major" main
pg_createcluster "$major" main --locale C.UTF-8 --encoding UTF8 -- --data-checksums > /dev/null
# So that nobody has to know the version to name a program or a file.
ln -sfn "/usr/lib/postgresql/$major" /usr/lib/postgresql/current
ln -sfn "/etc/postgresql/$major" /etc/postgresql/current

# A machine runs what it is prepared for, nothing else.
for unit in postgresql.service redis-server.service nginx.service cron.service; do
    systemctl disable --quiet "$unit"
done
rm -f /etc/nginx/sites-enabled/default
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /var/log/*.log
