# SPDX-License-Identifier: Apache-2.0
# reaperd: `make help` lists the targets. `make V=1` shows the commands.

VERSION := 0.2.0-dev

PREFIX     ?= /usr/local
# Fedora has one folder for both kinds of programs, and another one for what zsh completes.
SBINDIR    ?= $(PREFIX)/sbin
ZSHDIR     ?= $(PREFIX)/share/zsh/vendor-completions
SYSCONFDIR ?= /etc
DESTDIR    ?=

BUILD ?= build

PKGS        := libcurl libcjson libsystemd inih
PKG_CONFIG  ?= pkg-config
WARNINGS    := -Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes
HARDENING   ?= -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong
CFLAGS      ?= -O2 -g
ALL_CFLAGS   = -std=gnu11 $(WARNINGS) $(WERROR) $(HARDENING) -fPIE -D_GNU_SOURCE -Iinclude \
               -DREAPERD_VERSION='"$(VERSION)"' -DREAPERD_SYSCONFDIR='"$(SYSCONFDIR)"' $(shell $(PKG_CONFIG) --cflags $(PKGS)) $(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS  = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)
# Only the console asks for this, so that another PREFIX does not build everything anew.
CTL_CFLAGS   = -DREAPERD_BINARY='"$(SBINDIR)/reaperd"'
# For --version. Of what it was built with, this is what no header tells.
BUILD_CFLAGS = -DREAPERD_TARGET='"$(shell $(CC) -dumpmachine)"' \
               -DREAPERD_LIBSYSTEMD='"$(shell $(PKG_CONFIG) --modversion libsystemd)"' \
               -DREAPERD_INIH='"$(shell $(PKG_CONFIG) --modversion inih)"'
LDLIBS       = $(shell $(PKG_CONFIG) --libs $(PKGS))

SOURCES := $(sort $(wildcard src/*/*.c))
OBJECTS := $(SOURCES:src/%.c=$(BUILD)/obj/%.o)
LIBRARY := $(filter-out %/daemon/main.o %/ctl/main.o,$(OBJECTS))
# The console stands on these alone.
CONSOLE := $(filter $(BUILD)/obj/base/% $(BUILD)/obj/ctl/%,$(OBJECTS))
UNITS   := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/unit/test-*.c)))

Q   := $(if $(V),,@)
say  = $(if $(V),,@printf '  %-4s %s\n' '$(1)' '$(2)')

.PHONY: all
all: $(BUILD)/reaperd $(BUILD)/reaperctl ## build everything

$(BUILD)/reaperd: $(BUILD)/obj/daemon/main.o $(BUILD)/libreaperd.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/reaperctl: $(CONSOLE)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

# Objects are rebuilt when the flags change.
stamp = echo '$(subst ','\'',$(1))' | cmp -s - $@ || echo '$(subst ','\'',$(1))' > $@
$(BUILD)/flags: FORCE
	@mkdir -p $(BUILD)
	@$(call stamp,$(CC) $(ALL_CFLAGS))
$(BUILD)/ctl-flags: FORCE
	@mkdir -p $(BUILD)
	@$(call stamp,$(CTL_CFLAGS))
$(BUILD)/build-flags: FORCE
	@mkdir -p $(BUILD)
	@$(call stamp,$(BUILD_CFLAGS))
.PHONY: FORCE
FORCE:

$(BUILD)/obj/%.o: src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/ctl/%.o: src/ctl/%.c $(BUILD)/flags $(BUILD)/ctl-flags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(CTL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/base/build.o: src/base/build.c $(BUILD)/flags $(BUILD)/build-flags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(BUILD_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/libreaperd.a: $(LIBRARY)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/tests/%: tests/unit/%.c $(BUILD)/libreaperd.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< $(BUILD)/libreaperd.a $(LDLIBS) -lcmocka

.PHONY: units
units: $(UNITS)

# Whoever builds a package is seldom root, and if so, in a chroot or a container that may mount nothing.
.PHONY: check-units
check-units: units ## run the unit tests, but for those that want to be root and to mount
	@for test in $$(grep -L '"layer-fixture.h"' tests/unit/test-*.c); do \
	        test=$(BUILD)/tests/$$(basename $$test .c); echo $$test; $$test || exit 1; done

# The static busybox that tools/deps.sh may have put there comes first.
export PATH := $(CURDIR)/build/deps/bin:$(PATH)
PYTHON := /usr/bin/python3
export PYTHONDONTWRITEBYTECODE := 1
# What root has built under sudo belongs to whoever called it, also where that breaks it off (`trap : INT`). A file that
# goes meanwhile is no reason to fail.
GIVE_BACK = [ -z "$$SUDO_UID" ] || [ ! -e build ] || chown -R "$$SUDO_UID:$$SUDO_GID" build 2>/dev/null || :

.PHONY: deps
deps: ## install what is missing to build and test (Debian, Ubuntu)
	@tools/deps.sh test

.PHONY: demo
demo: ## show reaperd at work on a private real engine (root; installs what is missing)
	@tools/deps.sh demo
	@$(MAKE) --no-print-directory all
	@trap : INT; $(PYTHON) -B demo/demo.py --reaperd $(BUILD)/reaperd; status=$$?; $(GIVE_BACK); exit $$status

.PHONY: bench-memory
bench-memory: ## measure what stopped containers hold (root; installs what is missing; drops the caches of the machine)
	@tools/deps.sh demo
	@trap : INT; $(PYTHON) -B bench/memory.py; status=$$?; $(GIVE_BACK); exit $$status

# The paper's Swarm on private engines. EXPERIMENT_OPTIONS are those of `python3 -m experiment --help`, for instance
# "--set containers=40 --set layer_mb=5".
EXPERIMENT_SCALE   ?= full
EXPERIMENT_RESULTS ?=
EXPERIMENT_OPTIONS ?=
EXPERIMENT = $(PYTHON) -B -m experiment $(if $(EXPERIMENT_RESULTS),--results '$(EXPERIMENT_RESULTS)')

.PHONY: experiment experiment-docs
experiment: ## repeat the paper's experiment, within an hour (root; installs what is missing); EXPERIMENT_SCALE=small: in 5 minutes
	@tools/deps.sh experiment
	@$(MAKE) --no-print-directory all
	@trap : INT; $(EXPERIMENT) --scale '$(EXPERIMENT_SCALE)' --reaperd $(BUILD)/reaperd $(EXPERIMENT_OPTIONS); \
	        status=$$?; $(GIVE_BACK); exit $$status
experiment-docs: ## take its results into the documents; where there are none, renew what is made of those that they have
	@$(EXPERIMENT) --publish

.PHONY: check
check: deps ## run every test (root; installs what is missing)
	@$(MAKE) --no-print-directory WERROR=-Werror all
	@trap : INT; $(PYTHON) -B tests/run.py $(SUITES); status=$$?; $(GIVE_BACK); exit $$status

C_FILES := $(sort $(wildcard src/*/*.c include/*/*.h tests/unit/*.[ch] tests/box/fences/*.[ch]))

.PHONY: format
format: ## format the C files
	clang-format -i $(C_FILES)

.PHONY: lint
# One file a process: with several, version 14 carries what it knows of a va_list from one into the next.
lint: ## clang-tidy over the sources
	@printf '%s\n' $(SOURCES) | xargs -P $(shell nproc) -n 1 sh -c \
	        'clang-tidy --quiet --warnings-as-errors="*" "$$@" -- -std=gnu11 -D_GNU_SOURCE -Iinclude \
	                -DREAPERD_VERSION=\"$(VERSION)\" -DREAPERD_SYSCONFDIR=\"/etc\" \
	                -DREAPERD_BINARY=\"/usr/sbin/reaperd\" -DREAPERD_TARGET=\"\" -DREAPERD_LIBSYSTEMD=\"\" \
	                -DREAPERD_INIH=\"\" 2>/dev/null' sh

INSTALL ?= install
bindir      := $(DESTDIR)$(PREFIX)/bin
sbindir     := $(DESTDIR)$(SBINDIR)
mandir      := $(DESTDIR)$(PREFIX)/share/man
docdir      := $(DESTDIR)$(PREFIX)/share/doc/reaperd
unitdir     := $(DESTDIR)$(PREFIX)/lib/systemd/system
sysusersdir := $(DESTDIR)$(PREFIX)/lib/sysusers.d
catalogdir  := $(DESTDIR)$(PREFIX)/lib/systemd/catalog
confdir     := $(DESTDIR)$(SYSCONFDIR)/reaperd
# The bus reads policies below /usr and /etc, whatever the prefix is.
policydir   := $(DESTDIR)$(if $(filter /usr,$(PREFIX)),/usr/share,$(SYSCONFDIR))/dbus-1/system.d
interfaces  := $(DESTDIR)$(PREFIX)/share/dbus-1/interfaces
bashdir     := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
zshdir      := $(DESTDIR)$(ZSHDIR)

# Examples of drop-ins for the unit: documents, until an admin copies one.
DROPINS := $(notdir $(wildcard systemd/reaperd.service.d/*.example))

# The sources name the places that a distribution's package has. Copies a text with those of this installation, after
# edits of its own.
place = sed $(3) -e 's|/usr/sbin/reaperd|$(SBINDIR)/reaperd|g' -e 's|/etc/reaperd|$(SYSCONFDIR)/reaperd|g' \
        -e 's|/usr/share/doc/reaperd|$(PREFIX)/share/doc/reaperd|g' \
        -e 's|/usr/share/dbus-1/system.d|$(policydir:$(DESTDIR)%=%)|g' \
        -e 's|/usr/share/dbus-1/interfaces|$(PREFIX)/share/dbus-1/interfaces|g' $(1) > $(2) && chmod 644 $(2)
# Those that documents show.
FIGURES := $(wildcard docs/experiment/figure*.svg)
# What the README refers to lies elsewhere once it is installed; and there, marks of what is made from data would only be
# in the way of who reads it as text.
links := -e 's/<!--\(=\|\/\|holds\|paper\)[^>]*-->//g' \
        -e 's|](\(docs/\)\?experiment/|](|g' -e 's|](\.\./|](|g' -e 's|](container/|](|g' \
        -e 's|](conf/reaperd.conf)|](/etc/reaperd/reaperd.conf)|g' \
        -e 's|](systemd/reaperd.service.d/|](|g' \
        -e 's|](docs/|](|g' -e 's|](conf/reaperd-|](reaperd-|g' \
        -e 's|](man/\([A-Za-z0-9.]*\)\([158]\))|](../../man/man\2/\1\2)|g'

.PHONY: install
install: all ## install (PREFIX, SYSCONFDIR, DESTDIR); an existing configuration is kept
	$(INSTALL) -d -m 755 $(bindir) $(sbindir) $(mandir)/man1 $(mandir)/man5 $(mandir)/man8 $(docdir) $(unitdir) \
	        $(sysusersdir) $(catalogdir) $(confdir) $(policydir) $(interfaces) $(bashdir) $(zshdir)
	$(INSTALL) -m 755 $(BUILD)/reaperd $(sbindir)/reaperd
	$(INSTALL) -m 755 $(BUILD)/reaperctl $(bindir)/reaperctl
	$(INSTALL) -m 644 dbus/org.reaperd.conf $(policydir)/org.reaperd.conf
	$(INSTALL) -m 644 dbus/org.reaperd.Reaper1.xml $(interfaces)/org.reaperd.Reaper1.xml
	$(INSTALL) -m 644 completions/reaperctl.bash $(bashdir)/reaperctl
	$(INSTALL) -m 644 completions/_reaperctl $(zshdir)/_reaperctl
	$(call place,man/reaperctl.1,$(mandir)/man1/reaperctl.1)
	$(call place,man/org.reaperd.Reaper1.5,$(mandir)/man5/org.reaperd.Reaper1.5)
	$(call place,man/reaperd.conf.5,$(mandir)/man5/reaperd.conf.5)
	$(call place,man/reaperd.8,$(mandir)/man8/reaperd.8)
	$(call place,README.md,$(docdir)/README.md,$(links))
	$(call place,CHANGELOG.md,$(docdir)/CHANGELOG.md)
	$(call place,CONTRIBUTING.md,$(docdir)/CONTRIBUTING.md)
	$(call place,SECURITY.md,$(docdir)/SECURITY.md)
	$(call place,docs/memory.md,$(docdir)/memory.md,$(links))
	$(call place,docs/fleet.md,$(docdir)/fleet.md,$(links))
	$(call place,docs/paper.md,$(docdir)/paper.md,$(links))
	$(if $(FIGURES),$(INSTALL) -m 644 $(FIGURES) $(docdir))
	$(call place,container/reaperd-stack.yml,$(docdir)/reaperd-stack.yml)
	$(INSTALL) -m 644 container/reaperd-fleet.conf $(docdir)
	$(INSTALL) -m 644 LICENSE conf/reaperd-alerts.yml conf/reaperd-dashboard.json $(docdir)
	$(foreach dropin,$(DROPINS),$(call place,systemd/reaperd.service.d/$(dropin),$(docdir)/$(dropin)) &&) :
	$(call place,systemd/reaperd.service,$(unitdir)/reaperd.service)
	$(call place,systemd/reaperd.sysusers,$(sysusersdir)/reaperd.conf)
	$(call place,systemd/reaperd.catalog,$(catalogdir)/reaperd.catalog)
	test -e $(confdir)/reaperd.conf || { $(call place,conf/reaperd.conf,$(confdir)/reaperd.conf); }
# Nothing of the system's is run: in a DESTDIR it would be the wrong system, and what gets enabled is the admin's choice.
ifeq ($(DESTDIR),)
	@printf '%s\n' '' 'What is left to do, as root:' \
	        '    systemd-sysusers                     # make the user that it runs as' \
	        '    systemctl reload dbus                # have the policy read, which names that user' \
	        '    systemctl daemon-reload              # have the unit read' \
	        '    journalctl --update-catalog          # for journalctl -x' \
	        '    systemctl enable --now reaperd       # start it, now and with docker.service'
endif

.PHONY: uninstall
uninstall: ## remove what install put there, but not the configuration
	rm -f $(bindir)/reaperctl $(policydir)/org.reaperd.conf $(interfaces)/org.reaperd.Reaper1.xml $(bashdir)/reaperctl \
	        $(zshdir)/_reaperctl $(mandir)/man1/reaperctl.1 $(mandir)/man5/org.reaperd.Reaper1.5
	rm -f $(sbindir)/reaperd $(mandir)/man5/reaperd.conf.5 $(mandir)/man8/reaperd.8 $(docdir)/README.md \
	        $(docdir)/CHANGELOG.md $(docdir)/CONTRIBUTING.md $(docdir)/LICENSE $(docdir)/memory.md \
	        $(docdir)/SECURITY.md $(docdir)/fleet.md $(docdir)/reaperd-stack.yml $(docdir)/reaperd-fleet.conf \
	        $(docdir)/paper.md $(addprefix $(docdir)/,$(notdir $(FIGURES))) \
	        $(DROPINS:%=$(docdir)/%) $(docdir)/reaperd-alerts.yml $(docdir)/reaperd-dashboard.json \
	        $(unitdir)/reaperd.service $(sysusersdir)/reaperd.conf $(catalogdir)/reaperd.catalog
	rmdir $(docdir) 2>/dev/null || :
ifeq ($(DESTDIR),)
	@printf '%s\n' '' 'What is left of it: $(SYSCONFDIR)/reaperd, /var/lib/reaperd, and the user reaperd. What is left to do:' \
	        '    systemctl daemon-reload && systemctl reload dbus && journalctl --update-catalog'
endif

# Built from a copy of the sources, so that neither build finds anything of the other, and without the caller's
# environment: what differs there would differ in the package. What it was built with is in the .buildinfo.
DEB_VERSION = $(subst -dev,~dev,$(VERSION))$(DEB_SUFFIX)
DEB_TREE    = $(BUILD)/deb/reaperd-$(VERSION)
# dpkg and rpmbuild take a space in the path for its end, and would make folders there.
NO_SPACES   = case '$(BUILD)' in /*) echo '$(BUILD)' ;; *) pwd ;; esac | grep -q '[[:space:]]' && \
              { echo "make $@: not below a folder with a space in its name; BUILD= may be elsewhere" >&2; exit 1; } || :
.PHONY: deb
deb: ## build the Debian package (installs what is missing if root); DEB_SUFFIX=~deb12 goes behind the version
	@$(NO_SPACES)
	@tools/deps.sh deb
	@rm -rf $(BUILD)/deb
	@tools/release.sh tree $(DEB_TREE) $(VERSION)
	@tools/release.sh debian-changelog '$(DEB_VERSION)' > $(DEB_TREE)/debian/changelog
	@cd $(DEB_TREE) && env -i PATH="$$PATH" HOME="$$HOME" LC_ALL=C.UTF-8 DEB_BUILD_OPTIONS="$$DEB_BUILD_OPTIONS" \
	        DEB_BUILD_PROFILES="$$DEB_BUILD_PROFILES" dpkg-buildpackage -b -us -uc > ../log 2>&1 || \
	        { cat ../log >&2; cd $(CURDIR); $(GIVE_BACK); exit 1; }
	@cd $(BUILD)/deb && rm -f ./*.changes && mv -f ./*deb ./*.buildinfo ..
	@rm -rf $(BUILD)/deb
	@ls $(BUILD)/reaperd*_$(DEB_VERSION)_*deb; $(GIVE_BACK)

.PHONY: rpm srpm
rpm: ## build packages for Fedora and RHEL (rpmbuild; installs what is missing if root)
srpm: ## build the source package of these, for a build elsewhere
rpm srpm: tarball
	@$(NO_SPACES)
	@tools/deps.sh rpm
	@tools/rpm.sh $(if $(filter rpm,$@),all,source) $(VERSION) $(TARBALL) $(BUILD); status=$$?; $(GIVE_BACK); exit $$status

# Of what is made by the same call, the sums come last.
.PHONY: dist
dist: tarball | $(filter deb rpm srpm image,$(MAKECMDGOALS)) ## pack the sources, and write SHA256SUMS over all kinds of packages
	@tools/dist.sh sums $(VERSION) $(BUILD)
	@cat $(BUILD)/SHA256SUMS; $(GIVE_BACK)

TARBALL = $(BUILD)/reaperd-$(VERSION).tar.xz
.PHONY: tarball
tarball:
	@mkdir -p $(BUILD)
	@tools/dist.sh sources $(VERSION) $(TARBALL)

.PHONY: image
image: $(BUILD)/reaperd ## make an image for docker load, for container/reaperd-stack.yml
	@$(PYTHON) -B container/image.py --binary=$(BUILD)/reaperd --version=$(VERSION) \
	        --epoch="$$(tools/release.sh date)" $(BUILD); status=$$?; $(GIVE_BACK); exit $$status

.PHONY: clean
clean: ## remove what was built, and the experiment's results in build/experiment
	rm -rf $(BUILD)

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

-include $(OBJECTS:.o=.d) $(UNITS:=.d)
