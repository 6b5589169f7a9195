"""boto3, or the AWS CLI, as a long-lived process: one request a line on standard input, one answer a line on
standard output, both in JSON. Bytes are {"$bytes": base64}, times {"$time": ISO 8601}.

Usage: stranger.py boto3|cli, with the region's address and key pair in the usual variables.
"""

import base64
import contextlib
import datetime
import io
import json
import os
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

from botocore import xform_name


def unpack(value):
    """The request's values as Python's."""
    if isinstance(value, dict):
        if set(value) == {"$bytes"}:
            return base64.b64decode(value["$bytes"])
        if set(value) == {"$time"}:
            return datetime.datetime.fromisoformat(value["$time"].replace("Z", "+00:00"))
        return {key: unpack(one) for key, one in value.items()}
    if isinstance(value, list):
        return [unpack(one) for one in value]
    return value


def pack(value):
    """Python's values as the answer's."""
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime.datetime):
        utc = value.astimezone(datetime.timezone.utc)
        return {"$time": utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    if isinstance(value, dict):
        return {key: pack(one) for key, one in value.items() if key != "ResponseMetadata"}
    if isinstance(value, (list, tuple)):
        return [pack(one) for one in value]
    return value


class Boto3:
    def __init__(self):
        import boto3

        self.session = boto3.session.Session()
        self.clients = {}
        self.lock = threading.Lock()

    def client(self, service, checked):
        from botocore.config import Config

        with self.lock:
            if (service, checked) not in self.clients:
                # Where AWS is to refuse a request, boto3 must not do so before it is sent.
                config = Config(parameter_validation=checked, max_pool_connections=32)
                self.clients[service, checked] = self.session.client(service, config=config)
            return self.clients[service, checked]

    def call(self, request):
        from botocore.exceptions import ClientError

        client = self.client(request["service"], request["checked"])
        operation = getattr(client, xform_name(request["operation"]))
        try:
            output = operation(**unpack(request["input"]))
            return {"status": output["ResponseMetadata"]["HTTPStatusCode"], "output": pack(output)}
        except ClientError as error:
            answer = error.response
            members = {key: one for key, one in answer.items() if key not in ("Error", "ResponseMetadata")}
            return {
                "status": answer["ResponseMetadata"]["HTTPStatusCode"],
                "error": {
                    "code": answer["Error"]["Code"],
                    "message": answer["Error"].get("Message", ""),
                    "members": pack(members),
                },
            }


class Cli:
    """The AWS CLI's own entry point, with the arguments that a person would type."""

    def __init__(self):
        from awscli.clidriver import create_clidriver

        self.program = create_clidriver()
        self.models = self.program.session
        self.lock = threading.Lock()

    def arguments(self, service, operation, given, files):
        name = {"s3": "s3api"}.get(service, service)
        arguments = [name, xform_name(operation, "-")]
        shape = self.models.get_service_model(service).operation_model(operation)
        members = shape.input_shape.members if shape.input_shape is not None else {}
        for member, value in given.items():
            # The CLI's own --output is the form of what it prints.
            option = {"output": "--task-output"}.get(member, "--" + xform_name(member, "-"))
            value = unpack(value)
            if isinstance(value, bool):
                arguments.append(option if value else option.replace("--", "--no-", 1))
            elif isinstance(value, bytes):
                path = os.path.join(files, member)
                with open(path, "wb") as file:
                    file.write(value)
                streamed = members[member].serialization.get("streaming")
                arguments += [option, path if streamed else "fileb://" + path]
            elif isinstance(value, list) and all(isinstance(one, str) for one in value):
                arguments += [option, *value]
            elif isinstance(value, (dict, list)):
                arguments += [option, json.dumps(value, default=str)]
            elif isinstance(value, datetime.datetime):
                arguments += [option, str(value)]
            else:
                arguments += [option, str(value)]
        arguments += ["--output", "json"]
        if shape.has_streaming_output:
            arguments.append(os.path.join(files, "streamed"))
        return arguments

    def streamed(self, request):
        """The member of the answer that the CLI writes to a file."""
        shape = self.models.get_service_model(request["service"]).operation_model(request["operation"])
        return shape.output_shape.serialization["payload"]

    def call(self, request):
        # It writes to the process's own output, one at a time.
        with self.lock, tempfile.TemporaryDirectory() as files:
            arguments = self.arguments(request["service"], request["operation"], request["input"], files)
            said, wrong = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(wrong):
                try:
                    code = self.program.main(arguments)
                except SystemExit as ended:
                    code = ended.code
            text = said.getvalue().strip()
            output = json.loads(text) if text.startswith("{") else {}
            with contextlib.suppress(FileNotFoundError), open(os.path.join(files, "streamed"), "rb") as file:
                output[self.streamed(request)] = pack(file.read())
            return {"exit": code, "output": output, "said": wrong.getvalue().strip(), "arguments": arguments}


def main():
    stranger = Boto3() if sys.argv[1] == "boto3" else Cli()
    answers, writing = sys.stdout, threading.Lock()

    def serve(line):
        request = json.loads(line)
        try:
            answer = stranger.call(request)
        except Exception as error:  # the stranger's own trouble, told to the test
            answer = {"trouble": f"{type(error).__name__}: {error}"}
        with writing:
            answers.write(json.dumps({"id": request["id"], **answer}) + "\n")
            answers.flush()

    with ThreadPoolExecutor(16) as pool:
        for line in sys.stdin:
            pool.submit(serve, line)


main()
