# Builds two Pythons inside of an old Debian that has none new enough: one on its own libc, one on musl. Their source is
# that of a newer Debian, whose archive signs it. Neither is optimised: they show what loads, not how fast.
set -eu
sed --quiet "s/^deb \([^ ]*\) .*/deb-src \1 bookworm main/p" /etc/apt/sources.list \
    > /etc/apt/sources.list.d/sources.list
apt-get update --quiet
mkdir /opt/source
cd /opt/source
apt-get source --quiet --download-only python3.11 zlib
mkdir zlib
tar --extract --file zlib_*.orig.tar.* --strip-components 1 --directory zlib

# The zlib that this Debian has is not for musl.
cd zlib
CC=musl-gcc CFLAGS="-O2 -fPIC" ./configure --static --prefix=/opt/musl
make --jobs "$(nproc)" install
cd ..

# It is asked for whom it compiles, and would answer as the compiler that it wraps.
mkdir /opt/musl/bin
cat > /opt/musl/bin/cc <<'END'
#!/bin/sh
case $* in
    -print-multiarch | --print-multiarch) echo "$(uname -m)-linux-musl" ;;
    *) exec musl-gcc "$@" ;;
esac
END
chmod +x /opt/musl/bin/cc

python() {
    prefix=$1
    shift
    mkdir python
    tar --extract --file python3.11_*.orig.tar.* --strip-components 1 --directory python
    cd python
    ./configure --quiet --prefix="$prefix" --disable-test-modules "$@"
    make --silent --jobs "$(nproc)"
    make --silent install
    cd ..
    rm -r python
}
python /opt/python-glibc
python /opt/python-musl CC=/opt/musl/bin/cc CPPFLAGS=-I/opt/musl/include LDFLAGS=-L/opt/musl/lib
cd /
rm -r /opt/source /etc/apt/sources.list.d/sources.list
