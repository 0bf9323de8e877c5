# Debian packages: which are missing, and installing them. Sourced by scripts/setup.

# missing_packages NAME...   prints, one a line and each once, those that are not installed.
# Programs that also come from elsewhere (Node from NodeSource brings its own npm) count when they can be run.
missing_packages() {
  local installed name
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' 2>/dev/null | awk '$2 == "installed" {print $1}')
  for name in $(printf '%s\n' "$@" | sort -u); do
    case $name in
      nodejs) ! command -v node > /dev/null || continue ;;
      npm) ! command -v npm > /dev/null || continue ;;
    esac
    grep -qxF -- "$name" <<< "$installed" || echo "$name"
  done
}

# install_packages NAME...   by apt-get, as root or through sudo.
install_packages() {
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo > /dev/null || {
      echo "setup: these packages are missing and neither root nor sudo is at hand. As root, run:" >&2
      echo "  apt-get install --no-install-recommends $*" >&2
      return 1
    }
    as_root=(sudo)
  fi
  command -v apt-get > /dev/null || { echo "setup: no apt-get here: only Debian 12 is supported. Needed: $*" >&2; return 1; }
  echo "setup: installing $*" >&2
  "${as_root[@]}" apt-get -qq update
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install "$@" ||
    { echo "setup: apt-get could not install: $*" >&2; return 1; }
}
