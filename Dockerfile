# The pinned environment with TeX and a browser, for macOS, Windows and machines on which nothing may be installed:
#
#     docker build --tag netlens .
#     docker run --rm --volume "$PWD/made:/made" netlens            # the demo study; paper, site and figures go to made/
#     docker run --rm -it netlens bash                              # everything else: `netlens list`, `make test`
#
# The wheels are for x86-64; on other processors, add --platform linux/amd64 to both commands.
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install --yes --no-install-recommends chromium git make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /netlens
COPY . .
RUN make env tex && rm -rf ~/.cache /var/lib/apt/lists/*
ENV PATH="/netlens/.venv/bin:$PATH"
CMD ["sh", "-c", "make paper && mkdir -p /made && cp -r paper/demo.pdf site figures export_defs /made"]
