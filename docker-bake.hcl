# The image for every platform: `docker buildx bake`; with `--push` and REGISTRY set, into a registry.

variable "NAME" {
  default = "mock-flow-service"
}

variable "VERSION" {
  default = "dev"
}

# Host and owner, such as registry.example.com/team; empty keeps the image here.
variable "REGISTRY" {
  default = ""
}

group "default" {
  targets = ["image"]
}

target "image" {
  context    = "."
  dockerfile = "Dockerfile"
  platforms  = ["linux/amd64", "linux/arm64"]
  tags = [
    "${REGISTRY == "" ? "" : "${REGISTRY}/"}${NAME}:${VERSION}",
    "${REGISTRY == "" ? "" : "${REGISTRY}/"}${NAME}:latest",
  ]
  labels = {
    "org.opencontainers.image.version" = VERSION
  }
  attest = [
    "type=provenance,mode=max",
    "type=sbom",
  ]
}
